/** What can go wrong, or goes another way than straight. A schedule that has none proves little. */
export const happenings = [
  'a process is killed',
  'a handler kills its process',
  'a process is frozen',
  'a connection is dropped',
  'the broker is away',
  'the wall clock jumps forward',
  'the wall clock jumps back',
  'a reply is lost',
  'a call is refused',
  'a call gets no answer',
  'an id is published again, and known',
  'a message is stored twice',
  'a settle is repeated',
  'a settle is late',
  'a holder is told that it was late',
  'a lease ends with work begun',
  'a lease ends with nothing begun',
  'a reader comes back for what it held',
  'a suspect runs',
  'a take marks work as begun',
  'a claim is busy',
  'a claim is taken over',
  'a claim is done',
  'a retry',
  'a death of failures',
  'a death of crashes',
  'a death of a verdict',
  'a death of what does not fit',
  'a handler runs too long',
  'a handler is given up',
  'a worker is drained',
  'a worker is drained in a hurry',
  'a drained handler is given back',
  'a relay takes over',
  'a relay is fenced',
  'a message is sent to another worker',
  'a message finds no worker',
] as const

export type Happening = (typeof happenings)[number]

/** How often each came to pass. */
export class Tally {
  readonly counts = new Map<Happening, number>()

  add(what: Happening, count = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + count)
  }

  addAll(counts: ReadonlyMap<Happening, number>): void {
    for (const [what, count] of counts) this.add(what, count)
  }
}
