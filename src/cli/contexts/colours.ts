/** What an environment may be shown in. Beside the tree of commands, so it loads nothing. */
export const colours = ['red', 'yellow', 'green', 'blue', 'magenta', 'cyan'] as const
export type Colour = (typeof colours)[number]
