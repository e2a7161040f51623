import type { Argument } from '../connection.ts'
import type { Script } from '../script.ts'
import type { Home } from '../servers.ts'
import { Layout } from './layout.ts'
import { channelKeys } from './lua.ts'

/** One queue on its server: runs the scripts that know its keys. */
export class Queue {
  readonly layout: Layout
  readonly home: Home
  /** The command that wakes those who wait. */
  readonly announce: 'PUBLISH' | 'SPUBLISH'
  readonly #keys: readonly string[]

  constructor(channel: string, home: Home) {
    this.layout = new Layout(channel)
    this.home = home
    this.announce = home.isCluster ? 'SPUBLISH' : 'PUBLISH'
    this.#keys = channelKeys.map((name) => this.layout[name])
  }

  /** A script of `channelScript`. Replies of values are asked for as bytes. */
  async run<T>(
    script: Script,
    operation: string,
    reader: string,
    args: readonly Argument[],
    { as = 'text', more = [] }: { as?: 'text' | 'bytes'; more?: readonly string[] } = {},
  ): Promise<T> {
    const { layout } = this
    const keys = [...this.#keys, layout.held(reader), layout.reader(reader), layout.lost(reader)]
    return await this.home.run<T>(
      script,
      [...keys, ...more],
      [this.announce, ...args],
      operation,
      as,
    )
  }

  async wake(): Promise<void> {
    await this.home.send([this.announce, this.layout.wake, ''], 'wake')
  }
}

/** Stands in a value, whose words are parted by spaces. */
export function tagOf(reader: string): string {
  return encodeURIComponent(reader).replaceAll('%3A', ':')
}
