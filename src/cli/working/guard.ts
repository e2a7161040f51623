import { spawn } from 'node:child_process'

/**
 * Reads `+ GROUP` and `- GROUP`, and kills the groups that are left when its stdin ends. That is
 * the one thing that also happens when this process is killed.
 */
const guardScript = `
running=' '
while read -r sign group; do
  case $sign in
    +) running="$running$group " ;;
    -) running="\${running%% "$group" *} \${running#* "$group" }" ;;
  esac
done
for group in $running; do kill -s KILL -- "-$group"; done 2> /dev/null
`

/** Waits for a line on descriptor 3, and runs nothing where that ends without one. */
export const guardedShell = ['/bin/sh', '-c', 'read -r _ <&3 && exec 3<&- && exec /bin/sh -c "$1"']

/** Lets no process group outlive this process, however that ends. */
export interface Guard {
  /** Resolves when the group is known to the guard: from then on it cannot be orphaned. */
  add(group: number): Promise<void>
  remove(group: number): void
  /** Nothing is left to guard. */
  end(): void
}

/** A small process of its own session, so that Ctrl-C does not reach it. */
export function startGuard(onGone: () => void): Guard {
  const child = spawn('/bin/sh', ['-c', guardScript, 'narrowcast-guard'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.on('error', onGone)
  child.on('exit', onGone)
  // A broken pipe is told by its exit.
  child.stdin.on('error', () => {})
  return {
    add: (group) => new Promise((done) => child.stdin.write(`+ ${group}\n`, () => done())),
    remove: (group) => void child.stdin.write(`- ${group}\n`),
    end: () => void child.stdin.end(),
  }
}
