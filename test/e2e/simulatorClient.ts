import { once } from 'node:events'
import { WebSocket } from 'ws'

export const api = '/api/v1'

/** A client as raw as a test needs it: it sends anything and keeps all that comes. */
export class Client implements AsyncDisposable {
  readonly socket: WebSocket
  readonly #frames: unknown[] = []
  #wake: (() => void) | null = null
  /** Heard from the beginning: a server may close it while nobody waits for that. */
  readonly #closed: Promise<{ code: number; reason: string }>

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)))
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#wake?.())
    this.#closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
  }

  static async open(url: string, path: string): Promise<Client> {
    const socket = new WebSocket(new URL(`${api}${path}`, url))
    const client = new Client(socket)
    await once(socket, 'open')
    return client
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** The next frame, with the fields that tests look at. */
  async next(): Promise<Answer> {
    while (this.#frames.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed, and no frame left')
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
    return this.#frames.shift() as Answer
  }

  ask(payload: object): Promise<Answer> {
    this.send({ PAYLOAD: payload })
    return this.next()
  }

  /** Code and reason with which the server closes it. */
  closed(): Promise<{ code: number; reason: string }> {
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
    await this.#closed
  }
}

export interface Answer {
  readonly PAYLOAD: Readonly<Record<string, unknown>>
  readonly STATUS?: unknown
}

/** A player who is logged in, with one open connection per route. */
export class TestPlayer implements AsyncDisposable {
  readonly token: string
  readonly find: Client
  readonly lobby: Client
  readonly hero: Client
  readonly action: Client

  private constructor(token: string, lines: readonly Client[]) {
    this.token = token
    ;[this.find, this.lobby, this.hero, this.action] = lines as [Client, Client, Client, Client]
  }

  static async login(url: string, user: string): Promise<TestPlayer> {
    await using login = await Client.open(url, '/login')
    let answer = await login.ask({ USER: user })
    if (answer.STATUS === 'USER CREATED') answer = await login.next()
    const paths = ['/game/find', '/game/lobby', '/game/hero', '/game/action']
    const lines = await Promise.all(paths.map((path) => Client.open(url, path)))
    return new TestPlayer(String(answer.PAYLOAD.USER_TOKEN), lines)
  }

  /** Takes a seat; the token of the game. */
  async join(participants: 2 | 3): Promise<string> {
    const answer = await this.find.ask({ USER_TOKEN: this.token, PARTICIPANTS: participants })
    return String(answer.PAYLOAD.GAME_TOKEN)
  }

  enter(game: string): void {
    this.lobby.send({ PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: this.token } })
  }

  attack(game: string, enemy: string | null): Promise<Answer> {
    return this.action.ask({
      GAME_TOKEN: game,
      USER_TOKEN: this.token,
      ENEMY_TOKEN: enemy,
      ACTION: 'ATTACK',
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lines = [this.find, this.lobby, this.hero, this.action]
    await Promise.all(lines.map((line) => line[Symbol.asyncDispose]()))
  }
}

/** A started duel: whose turn it is, and the other. Both have read START, the first its turn. */
export async function startedDuel(
  url: string,
  names: readonly [string, string] = ['ada', 'ben'],
): Promise<{ game: string; first: TestPlayer; second: TestPlayer }> {
  const one = await TestPlayer.login(url, names[0])
  const other = await TestPlayer.login(url, names[1])
  const game = await one.join(2)
  await other.join(2)
  one.enter(game)
  other.enter(game)
  await Promise.all([one.lobby.next(), other.lobby.next()])
  const [first, second] = one.token < other.token ? [one, other] : [other, one]
  await first.lobby.next()
  return { game, first, second }
}
