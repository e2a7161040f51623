import { urlDefault } from '../config/settings.ts'

/** What the files of `init` are made for. */
export interface Start {
  readonly channel: string
  readonly url: string
}

/** The files of a first project by name, each of at most fifteen lines; they run as they stand. */
export function startFiles({ channel, url }: Start): Readonly<Record<string, string>> {
  const name = quoted(channel)
  const head = `const url = process.env.NARROWCAST_URL ?? ${quoted(url)}
await using bus = await connect(url, { config: true })`
  return {
    'narrowcast.config.mts': `import type { Config } from 'narrowcast'

export default {
  url: ${quoted(`\${NARROWCAST_URL:-${url}}`)},
  channels: {
    ${name}: { pattern: 'queue', lease: '30s', attempts: 5 },
  },
} satisfies Config
`,
    'publish.mts': `import { connect } from 'narrowcast'

${head}
const channel = bus.queue<{ n: number }>(${name})

for (const n of [1, 2, 3]) {
  const { id } = await channel.publish({ n })
  console.log(\`published \${n} as \${id}\`)
}
`,
    'work.mts': `import { once } from 'node:events'
import { connect } from 'narrowcast'

${head}
bus.queue<{ n: number }>(${name}).subscribe(({ n }, { attempt }) => {
  console.log(\`got \${n} at attempt \${attempt}\`) // returning is the ack, throwing tries again
})
console.log('working; Ctrl-C drains and ends')
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
`,
  }
}

/** Taken where nothing is said. */
export const startDefault: Start = { channel: 'hello', url: urlDefault }

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
