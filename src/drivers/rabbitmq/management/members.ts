import type { OpenedManagement } from './open.ts'

/**
 * Nodes that store a queue; null: nobody tells. Of one that is still to be made it is known where
 * there is one node; on several a setting of theirs decides.
 */
export async function membersOf(
  managed: OpenedManagement | null,
  queue: string,
  signal: AbortSignal,
): Promise<number | null> {
  if (managed === null || managed.fault !== null) return null
  try {
    const members = await managed.management.members(queue, signal)
    if (members !== null) return members
    return (await managed.management.nodes(signal)) === 1 ? 1 : null
  } catch {
    signal.throwIfAborted()
    return null // it has answered once; now the contract claims less
  }
}
