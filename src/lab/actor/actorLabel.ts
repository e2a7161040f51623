import type { WorkerRef } from '../../core/channel.ts'
import type { ActorId } from '../evidence/evidence.ts'

/** The label of an actor in the library, from which a relay reads whom it has chosen. */
export function actorLabel({ role, actor, incarnation }: ActorId): string {
  return `${role}-${actor}-${incarnation}`
}

/** Null for a worker that is none of the lab's. */
export function actorOfWorker({
  id,
}: Pick<WorkerRef, 'id'>): Pick<ActorId, 'actor' | 'incarnation'> | null {
  const [, actor, incarnation] = /^worker-(\d+)-(\d+)-/.exec(id) ?? []
  return actor === undefined ? null : { actor: Number(actor), incarnation: Number(incarnation) }
}
