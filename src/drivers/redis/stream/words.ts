import type { Context } from '../session.ts'

/** How the server of this channel announces. */
export function publishWord({ home }: Context, channel: string): string {
  return home(channel).isCluster ? 'SPUBLISH' : 'PUBLISH'
}
