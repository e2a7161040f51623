import { type Proof, selfTest } from '../../lab/run/selfTest.ts'
import type { Invocation } from '../invocation.ts'
import type { Column } from '../output/table.ts'
import { seedDefault } from './loadFlags.ts'

/** `lab verify --self`: whether the lab says what it should of what is known. */
export async function verifySelf({ output }: Invocation): Promise<number> {
  const proofs: Proof[] = []
  for await (const proof of selfTest(seedDefault)) {
    output.note(`${isSame(proof) ? output.lookOfStderr.ok : output.lookOfStderr.bad} ${proof.what}`)
    proofs.push(proof)
  }
  await output.list({ type: 'lab.self', columns, rows: proofs })
  return proofs.every(isSame) ? 0 : 1
}

const isSame = ({ expected, seen }: Proof) => expected === seen

const columns: readonly Column<Proof>[] = [
  { name: 'what', value: ({ what }) => what, wraps: true, widthMin: 16 },
  { name: 'expected', value: ({ expected }) => expected, wraps: true, widthMin: 12 },
  { name: 'seen', value: ({ seen }) => seen, wraps: true, widthMin: 12 },
  { name: 'ok', value: isSame, text: (proof) => (isSame(proof) ? 'yes' : 'NO') },
]
