/** Step 2: the order of each key. */
export const keySchema = ''
