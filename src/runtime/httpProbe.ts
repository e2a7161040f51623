import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bus } from './api.ts'

/**
 * Answers `GET /livez` and `GET /readyz`, the two questions that an orchestrator asks: 200 for
 * yes, 503 for no, with the health as JSON. Every other request is left to the caller.
 *
 * Readiness is for traffic and alarms: a broker that is away makes every process not ready.
 * Liveness is for restarts: false only where nothing but a new process helps.
 *
 * @returns true when the request was answered.
 * @example createServer((request, response) => probe(request, response) || app(request, response))
 */
export function httpProbe(
  bus: Pick<Bus, 'health'>,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const path = request.url?.split('?', 1)[0]
    if (!isRead || (path !== '/livez' && path !== '/readyz')) return false
    const health = bus.health()
    const isWell = path === '/livez' ? health.isAlive : health.isReady
    const body = `${JSON.stringify({ v: 1, type: 'health', ...health })}\n`
    response.writeHead(isWell ? 200 : 503, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }
}
