import type { OwnFolder } from './ownFolder.ts'
import { OwnProcess } from './ownProcess.ts'

/**
 * Starts Erlang's list of nodes and their ports, for nodes of ours only: the one of the machine, a
 * daemon, would outlive them. @throws NotStarted
 */
export async function startEpmd(port: number, folder: OwnFolder): Promise<OwnProcess> {
  return await OwnProcess.start(
    {
      command: 'epmd',
      // With -d it stays in the foreground and says that it is ready.
      args: ['-d', '-port', String(port), '-address', '127.0.0.1'],
      env: { PATH: process.env.PATH ?? '', HOME: folder.path },
      ready: /epmd running/,
      readyWithinMs: 30_000,
    },
    folder,
  )
}
