import { connect } from '../../src/connect.ts'

/** Reads a stream as a group, and says when it has begun to. */
const [, , url, stream, group] = process.argv as unknown as [string, string, string, string, string]
const bus = await connect(url)
const worker = bus.stream(stream).subscribe(() => {}, { group })
await worker.ready()
process.stdout.write('ready\n')
