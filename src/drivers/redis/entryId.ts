const form = /^(\d{1,20})-(\d{1,20})$/
const largest = 2n ** 64n - 1n

/** Whether a text is the id of an entry of a stream: two numbers of 64 bits. */
export function isEntryId(text: string): boolean {
  const [, ms, number] = form.exec(text) ?? []
  return ms !== undefined && number !== undefined && isIn64Bits(ms) && isIn64Bits(number)
}

const isIn64Bits = (digits: string) => digits.length < 20 || BigInt(digits) <= largest
