import type { Stored } from '../../core/driver.ts'
import { cut, harmless } from '../output/displayWidth.ts'
import type { Output } from '../output/output.ts'
import { showBytes, showTime } from '../output/quantities.ts'
import { preview, wholeBody } from './view.ts'

/** `12:04:31.118  #1842  g-041  312 B  attempt 1  {"game":"g-041",…` */
export function tailLine(
  { message, position, failures }: Stored,
  output: Output,
  { wide, nowMs }: { wide: boolean; nowMs: number },
): string {
  const { look, width, utc } = output
  const head = [
    look.paint('dim', showTime(message.timeMs, nowMs, utc)),
    `#${position ?? '-'}`,
    ...(wide ? [harmless(message.id)] : []),
    look.paint('cyan', harmless(message.key ?? '-')),
    showBytes(message.bytes),
    `attempt ${failures + 1}`,
  ].join('  ')
  const line = `${head}  ${wide ? wholeBody(message) : preview(message)}`
  return wide || width === Number.POSITIVE_INFINITY ? line : cut(line, width, look.ellipsis)
}
