/** Makes texts of times as in CloudEvents. Those of a batch have one time: it is written once. */
function timeTexts(): (ms: number) => string {
  let lastMs = Number.NaN
  let last = ''
  return (ms) => {
    if (ms !== lastMs) {
      last = new Date(ms).toISOString()
      lastMs = ms
    }
    return last
  }
}

/** `2026-01-02T03:04:05.678Z`. @throws RangeError for what no date can be */
export const timeText = timeTexts()
