import { textOf } from '../../runtime/thrown.ts'
import { ProxyPort } from './proxyPort.ts'
import type { FromProxy, ProxyAnswers, ProxyWord, ToProxy } from './words.ts'

// The body of the proxy's process: it opens ports and sets rules as it is told, and ends with its parent.

const ports = new Map<string, ProxyPort>()

process.once('disconnect', () => process.exit(0))
process.on('message', ({ id, word }: ToProxy) => {
  answerTo(word).then(
    (answer) => tell({ id, answer }),
    (error) => tell({ id, failure: textOf(error) }),
  )
})

function tell(word: FromProxy): void {
  process.send?.(word, undefined, undefined, () => {}) // that nobody is there `disconnect` tells
}

async function answerTo(word: ProxyWord): Promise<ProxyAnswers[ProxyWord['kind']]> {
  if (word.kind === 'cpu') return process.cpuUsage()
  if (word.kind === 'set') return portOf(word.name).set(word.rule)
  const port = new ProxyPort(word.upstream)
  ports.set(word.name, port)
  return await port.listen(word.host)
}

function portOf(name: string): ProxyPort {
  const port = ports.get(name)
  if (!port) throw new Error(`no port is open for "${name}"`)
  return port
}
