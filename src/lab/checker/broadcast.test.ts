import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyEvidence } from './anyEvidence.ts'
import { broadcastAccount } from './broadcast.ts'
import { naiveBroadcast } from './naive/broadcast.ts'

test.for([false, true])(
  'says what the slow and obvious checker says, resumes: %s',
  {
    timeout: 120_000,
  },
  (resumes) => {
    fc.assert(
      fc.property(anyEvidence, (question) => {
        const { evidence, guardMs } = question
        const terms = { ...question.terms, resumes }
        expect(broadcastAccount(evidence, terms, guardMs)).toEqual(
          naiveBroadcast(evidence, terms, guardMs),
        )
      }),
      { numRuns: 2_000 },
    )
  },
)
