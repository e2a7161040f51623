import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { cliWorld } from './cliRun.ts'

test('TRY counts the tries that have begun', async () => {
  using world = cliWorld()
  const url = ['-u', 'file:./.narrowcast/store?backoff=1h..2h']
  await world.run(['publish', 'jobs', '1'])
  const tries = async () => {
    const { stdout } = await world.run(['messages', 'ls', 'jobs', '--width', '120'])
    const [head = '', row = ''] = stdout.split('\n')
    const end = head.indexOf('TRY') + 'TRY'.length
    return row.slice(0, end).split(/\s+/).at(-1)
  }
  expect(await tries()).toBe('-')
  const work = world.start(['work', 'jobs', '--exec', 'sh -c "exit 1"', ...url])
  await work.shows('the handler on')
  work.child.kill('SIGINT')
  await work.ended
  expect(await tries()).toBe('1')
})

test('the last line of contract fits the window', async () => {
  using world = cliWorld()
  const { stderr } = await world.run(['contract', 'file', '--width', '80'])
  const lines = stderr.trimEnd().split('\n')
  expect(lines.join(' ')).toContain(
    'of a URL, what its settings leave of that. Of a channel: narrowcast channels show CHANNEL',
  )
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
})

test('one message is one message', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '1'])
  const remove = await world.run(['channels', 'rm', 'jobs', '--dry-run'])
  const purge = await world.run(['channels', 'purge', 'jobs', '--dry-run'])
  expect(remove.stderr).toContain('would remove jobs with 1 message\n')
  expect(purge.stderr).toContain('would remove 1 waiting message of jobs\n')
})

test('the summary stands below what a program printed, where both come out at one place', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '1'])
  const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
  const line = `"${process.execPath}" "${main}" work jobs --exec 'printf no-newline' --until end`
  const run = (more: string) =>
    promisify(execFile)('sh', ['-c', `${line} ${more}`], { cwd: world.folder })
  const { stdout } = await run('2>&1')
  expect(stdout).toMatch(/no-newline\n(.*\n)*done in/)
  await world.run(['publish', 'jobs', '1'])
  const apart = await run('')
  expect(apart.stdout).toBe('no-newline')
  expect(apart.stderr).toMatch(/[^\n]\ndone in/)
})
