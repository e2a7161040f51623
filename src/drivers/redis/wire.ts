import type { OutgoingMessage } from '../../core/message.ts'

/** Names of our own beside those of CloudEvents 1.0. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly time: string
  readonly subject?: string
  readonly datacontenttype?: string
  readonly data?: unknown
  readonly data_base64?: string
  /** JSON text: an attribute of CloudEvents is no object. */
  readonly headers?: string
  readonly traceparent?: string
  readonly redrivecount?: number
  readonly firstpublished?: string
}

/**
 * One element of a list, or one message of Pub/Sub: CloudEvents 1.0 in its JSON form, the body as
 * it is. @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function cloudEventText(message: OutgoingMessage): string {
  const { id, source, type, timeMs, key, headers, redrives, body } = message
  const { traceparent, ...own } = headers
  const attributes = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date(timeMs).toISOString(),
    ...(key === null ? {} : { subject: key }),
    ...(Object.keys(own).length === 0 ? {} : { headers: JSON.stringify(own) }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(redrives === 0 ? {} : { redrivecount: redrives }),
  })
  const data =
    typeof body === 'string'
      ? `,"datacontenttype":"application/json","data":${body}}`
      : `,"data_base64":"${Buffer.from(body).toString('base64')}"}`
  return attributes.slice(0, -1) + data
}
