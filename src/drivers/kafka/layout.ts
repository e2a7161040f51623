/** A queue, or one group of a stream: whose topics beside that of the channel are its own. */
export interface Home {
  readonly channel: string
  /** Null: the queue itself. */
  readonly group: string | null
}

/** What waits longer lies apart: in a topic what comes first is read first. */
export const retryStepsMs = [60_000, 3_600_000, 86_400_000] as const
export const delayMsMax = 86_400_000

const prefixOf = ({ channel, group }: Home) => (group === null ? channel : `${channel}..g.${group}`)

/** As Kafka's own tools show it. */
export const groupIdOf = ({ channel, group }: Home) => group ?? `${channel}..queue`

export const retryTopicsOf = (home: Home) =>
  retryStepsMs.map((_, at) => `${prefixOf(home)}..retry.${at + 1}`)

/** The one for a delay of so many ms. */
export function retryTopicFor(home: Home, delayMs: number): string {
  const at = retryStepsMs.findIndex((stepMs) => delayMs <= stepMs)
  return `${prefixOf(home)}..retry.${at < 0 ? retryStepsMs.length : at + 1}`
}

/** Of all groups of a stream. */
export const deadTopicOf = (channel: string) => `${channel}..dead`

/** Nothing is written there: it says that its channel is a broadcast. */
export const broadcastTopicOf = (channel: string) => `${channel}..broadcast`

/** What a channel has beside its own topic. */
export const isHelper = (channel: string, topic: string) => topic.startsWith(`${channel}..`)

/** Of a stream whose group has this as its first topic; null: it is another one. */
export function groupOfRetryTopic(channel: string, topic: string): string | null {
  const [start, end] = [`${channel}..g.`, '..retry.1']
  const isIts = topic.startsWith(start) && topic.endsWith(end)
  return isIts ? topic.slice(start.length, -end.length) : null
}
