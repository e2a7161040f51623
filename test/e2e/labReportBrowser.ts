import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** The first browser on the PATH that can be steered; null: there is none. */
export function findBrowser(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return paths.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface Page extends AsyncDisposable {
  /** What the page asked of a network, and what its console and its policy complained about. */
  readonly complaints: readonly string[]
  /** The value of an expression, as JSON can carry it. */
  evaluate<T>(expression: string): Promise<T>
  /** Any command of the DevTools protocol. */
  ask(method: string, params?: object): Promise<Record<string, unknown>>
  /** Resolves when the page has been loaded. */
  open(url: string): Promise<void>
}

/** A browser of its own, without a network, and one page in it. It is gone when the page is disposed of. */
export async function openPage(program: string): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'narrowcast-browser-'))
  const browser = spawn(program, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(browser, 'exit')
  const end = async () => {
    browser.kill('SIGKILL')
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    const address = await addressIn(createInterface(browser.stderr))
    browser.stderr.resume() // what it says later is read by nobody, and may not hold it up
    const { port } = new URL(address)
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Target[]
    const target = targets.find(({ type }) => type === 'page')
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? address)
    await once(socket, 'open')
    return await steer(socket, end)
  } catch (error) {
    await end()
    throw error
  }
}

interface Target {
  readonly type: string
  readonly webSocketDebuggerUrl: string
}

const flags = [
  '--headless',
  '--disable-gpu',
  '--no-first-run',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
  // Root may not have a sandbox of its own; the page is ours.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

async function addressIn(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const [, address] = /DevTools listening on (ws:\S+)/.exec(line) ?? []
    if (address !== undefined) return address
  }
  throw new Error('the browser has ended before it could be steered')
}

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly request?: { readonly url: string } }
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

async function steer(socket: WebSocket, end: () => Promise<void>): Promise<Page> {
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  const complaints: string[] = []
  let loaded = Promise.withResolvers<void>()
  let asked = 0
  socket.on('message', (data) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as Reply
    if (id !== undefined) {
      const answer = waiting.get(id)
      if (error) answer?.reject(new Error(error.message))
      else answer?.resolve(result ?? {})
    } else if (method === 'Page.loadEventFired') {
      loaded.resolve()
    } else if (method === 'Network.requestWillBeSent') {
      const url = params?.request?.url ?? ''
      if (!/^(file|data):/.test(url)) complaints.push(`asks for ${url}`)
    } else if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown') {
      complaints.push(JSON.stringify(params))
    }
  })
  const ask: Page['ask'] = async (method, params = {}) => {
    const answer = Promise.withResolvers<Record<string, unknown>>()
    waiting.set(++asked, answer)
    socket.send(JSON.stringify({ id: asked, method, params }))
    return await answer.promise
  }
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await ask(`${domain}.enable`)
  return {
    complaints,
    ask,
    async evaluate<T>(expression: string) {
      const options = { expression, returnByValue: true, awaitPromise: true }
      const { result, exceptionDetails } = await ask('Runtime.evaluate', options)
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
      return (result as { value: T }).value
    },
    async open(url) {
      loaded = Promise.withResolvers<void>()
      await ask('Page.navigate', { url })
      await loaded.promise
    },
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await end()
    },
  }
}
