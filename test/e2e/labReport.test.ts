import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reportOf } from '../../src/lab/report/build.ts'
import { exampleAbout, exampleResult } from '../../src/lab/report/exampleRun.ts'
import { pictureDataOf } from '../../src/lab/report/figures/pictureData.ts'
import { messages } from '../../src/lab/report/figures/pictureScene.ts'
import { htmlOf } from '../../src/lab/report/html.ts'
import { findBrowser, openPage, type Page } from './labReportBrowser.ts'

const program = findBrowser()

/** All but one of its messages are lost; the names in it would run something where they are no text. */
function page(): string {
  const evil = '<img src=x onerror="document.title=1"></script><script>document.title=1</script>'
  const history = messages(400)
  const ledgers = { ...history.ledgers, 'worker 0.0': [] }
  const result = exampleResult({
    history: { ...history, ledgers, terms: { mayLose: [] } },
    channel: { name: evil },
  })
  const report = reportOf(result, { ...exampleAbout, title: evil, command: evil })
  return htmlOf(report, pictureDataOf(result))
}

// Without a browser on the PATH nobody can say how a page looks in one.
describe.skipIf(program === null)('a report in a browser (needs chromium on the PATH)', () => {
  let folder: string
  let browser: Page
  let url: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'narrowcast-report-'))
    const file = join(folder, 'report.html')
    await writeFile(file, page())
    url = pathToFileURL(file).href
    browser = await openPage(program as string)
  })

  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const prefer = (value: 'light' | 'dark') =>
    browser.ask('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value }],
    })
  const show = async (hash = '', width = 1_280) => {
    const size = { width, height: 900, deviceScaleFactor: 1, mobile: false }
    await browser.ask('Emulation.setDeviceMetricsOverride', size)
    await browser.open('about:blank')
    await browser.open(url + hash)
  }
  const ground = () => browser.evaluate<string>('getComputedStyle(document.body).backgroundColor')
  const lineColour = () =>
    browser.evaluate<string>(`getComputedStyle(document.querySelector('#rates .s-in')).stroke`)

  test('opens without a network, runs nothing that is not its own, and breaks no rule', async () => {
    await show()
    expect(await browser.evaluate('document.querySelector("h1").textContent')).toContain('<img')
    expect(await browser.evaluate('document.title')).toBe(
      'BROKEN worker-kill on redis-stream queue',
    )
    expect(await browser.evaluate('document.querySelectorAll("figure svg").length')).toBe(6)
    expect(browser.complaints).toEqual([])
  })

  test('follows the theme of the system, and its own button', async () => {
    const seen: string[][] = []
    for (const theme of ['light', 'dark'] as const) {
      await prefer(theme)
      await show()
      const before = [await ground(), await lineColour()]
      await browser.evaluate('document.getElementById("theme").click()')
      seen.push(before, [await ground(), await lineColour()])
    }
    const [light, toDark, dark, toLight] = seen
    expect([toLight, toDark]).toEqual([light, dark])
    expect(light?.[0]).toBe('rgb(255, 255, 255)')
    expect(dark?.[0]).not.toBe(light?.[0])
    expect(dark?.[1]).not.toBe(light?.[1])
  })

  test('is printed light, whatever the theme', async () => {
    await prefer('dark')
    await show()
    await browser.evaluate('document.documentElement.dataset.theme = "dark"')
    await browser.ask('Emulation.setEmulatedMedia', { media: 'print' })
    expect(await ground()).toBe('rgb(255, 255, 255)')
    expect(await browser.evaluate('document.getElementById("theme").offsetParent')).toBe(null)
    await browser.ask('Emulation.setEmulatedMedia', { media: '' })
  })

  test('does not grow wider than a small screen', async () => {
    await show('', 400)
    expect(await browser.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
  })

  const recordsOf = (id: string) =>
    browser.evaluate<string>(`document.getElementById(${JSON.stringify(id)}).innerText`)

  test.for([3, 300])('an id leads to its records: %i', async (sequence) => {
    const id = `r1-p00-i00-s${String(sequence).padStart(7, '0')}`
    await show(`#${id}`)
    await expect.poll(() => recordsOf(id)).toContain('INVOKE')
    expect(await recordsOf(id)).toContain('lost')
  })

  test('messages beyond the first are found, and shown by the hundred', async () => {
    await show()
    const count = () => browser.evaluate<number>('document.querySelectorAll("#messages>*").length')
    expect(await browser.evaluate('document.getElementById("find").offsetParent')).not.toBe(null)
    expect(await count()).toBe(32)
    await browser.evaluate('document.getElementById("more").click()')
    expect(await count()).toBe(132)
    const type = (text: string) =>
      browser.evaluate(
        `(find => { find.value = '${text}'; find.dispatchEvent(new Event('input')) })(document.getElementById('find'))`,
      )
    await type('S0000321')
    expect(await count()).toBe(1)
    expect(await browser.evaluate('document.getElementById("found").textContent')).toBe('1 found')
    await type('lost')
    expect(await count()).toBe(132)
    await type('')
    expect(await count()).toBe(32)
  })

  test('reads without script', async () => {
    await browser.ask('Emulation.setScriptExecutionDisabled', { value: true })
    await show()
    await browser.ask('Emulation.setScriptExecutionDisabled', { value: false })
    const text = await browser.evaluate<string>('document.body.innerText')
    expect(text).toContain('✗ BROKEN')
    expect(text).toContain('Not tested: power loss')
    const hidden = `[...document.querySelectorAll('#theme,#tools,#more')].every((one) => one.offsetParent === null)`
    expect(await browser.evaluate(hidden)).toBe(true)
  })
})
