import { countOf, listed, showCount, showShare } from '../amounts.ts'
import { type Markup, markup } from '../figures/markup.ts'
import { saturationText } from '../saturation.ts'
import { trailInBrief } from '../trailText.ts'
import type { Report } from '../types.ts'

const words = {
  KEPT: { icon: '✓', name: 'kept', means: 'Every promise that was put to the test was kept.' },
  BROKEN: { icon: '✗', name: 'broken', means: 'A promise was seen broken.' },
  INCONCLUSIVE: {
    icon: '?',
    name: 'inconclusive',
    means: 'No promise was seen broken, and not all of them were put to the test.',
  },
} as const

/** The verdict, why, and what nobody may take this run for a test of. */
export function verdictCard({ verdict, expected, broadcast, groups, firsts }: Report): Markup {
  const { status, reasons, notTested, stronger, upperBounds, ofContract } = verdict
  const { icon, name, means } = words[status]
  const losses = groups?.reduce((sum, { account }) => sum + account.lost.total, 0) ?? 0
  const missed = broadcast?.subscribers.reduce((sum, one) => sum + one.missed.total, 0) ?? 0
  const lost = losses + missed
  const [first] = firsts
  return markup`<section class="verdict ${name}" aria-label="Verdict"><p><strong class="word">${icon} ${status}</strong> ${means}</p>${
    status === 'KEPT' && lost > 0
      ? markup`<p>${countOf(lost, 'acknowledged message')} never came, as the contract allows.</p>`
      : null
  }${
    expected === null
      ? null
      : markup`<p>Asked, not promised: ${expected.replaceAll('-', ' ')}. The contract of the broker itself: ${ofContract ?? 'not judged'}.</p>`
  }${reasons.length === 0 ? null : markup`<ul>${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`}${first ? markup`<p>First: <a href="#${first.id}">${trailInBrief(first)}</a></p>` : null}${upperBounds.map(
    ({ fault, episodes, share }) =>
      markup`<p>No violation in ${countOf(episodes, 'episode')} of ${fault}: with 95 % certainty it comes in less than ${showShare(share)} of them.</p>`,
  )}${
    stronger.length === 0
      ? null
      : markup`<p>Stronger than promised in this run, which is no guarantee: ${listed(stronger)}.</p>`
  }<p><strong>Not tested:</strong> ${listed(notTested)}.</p></section>`
}

/** What forbids to read the figures as those of the broker. */
export function warnings({ instrument, throughput, latency }: Report): Markup {
  const { isSaturated, isHarnessBound, ceilingPerSecond, disagreements, tornTails } = instrument
  const found = [
    ...(isSaturated
      ? [markup`<strong>SATURATED:</strong> ${saturationText({ throughput, latency })}.`]
      : []),
    ...(isHarnessBound && ceilingPerSecond !== null
      ? [
          markup`<strong>HARNESS-BOUND:</strong> the lab itself can do no more than ${showCount(ceilingPerSecond)} messages a second here.`,
        ]
      : []),
    ...disagreements.map((text) => markup`<strong>The broker disagrees:</strong> ${text}`),
    ...(tornTails > 0
      ? [markup`${countOf(tornTails, 'ledger')} ended inside a record; that record was left out.`]
      : []),
  ]
  return markup`${found.map((text) => markup`<p class="warning">${text}</p>`)}`
}
