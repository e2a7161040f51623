import { loadavg } from 'node:os'
import { type ReadText, systemText } from './systemText.ts'

/** What the machine was doing, at one moment. Null: this system does not tell. */
export interface LoadSample {
  readonly timeMs: number
  /** Programs that wanted a core, over the last minute. */
  readonly loadAverage: number | null
  /** Ever, in which a program waited for a core. */
  readonly pressureMicros: number | null
  /** Share of the last 10 s in which a program waited for a core. */
  readonly recentPressure: number | null
  /** Ever, of all cores: what the hypervisor gave to others, and everything. */
  readonly ticks: { readonly stolen: number; readonly all: number } | null
}

/** The load of the machine before a run, and while it went on. Shares are from 0 to 1. */
export interface MachineLoad {
  readonly before: { readonly loadAverage: number | null; readonly pressure: number | null }
  readonly during: {
    /** At its end. */
    readonly loadAverage: number | null
    /** Share of the time in which a program waited for a core: ours are among them. */
    readonly pressure: number | null
    /** Share of the cores' time that the hypervisor gave to others. */
    readonly steal: number | null
  }
}

export function loadSample(read: ReadText = systemText): LoadSample {
  const pressure = /^some avg10=([\d.]+) .*total=(\d+)$/m.exec(read('/proc/pressure/cpu') ?? '')
  return {
    timeMs: performance.now(),
    loadAverage: process.platform === 'win32' ? null : (loadavg()[0] as number),
    pressureMicros: pressure && Number(pressure[2]),
    recentPressure: pressure && Number(pressure[1]) / 100,
    ticks: ticksOf(read('/proc/stat')),
  }
}

/** What happened between two moments. */
export function loadBetween(before: LoadSample, after: LoadSample): MachineLoad {
  const micros = (after.timeMs - before.timeMs) * 1_000
  const { pressureMicros: from, ticks: first } = before
  const { pressureMicros: to, ticks: last } = after
  const steal = first && last ? share(last.stolen - first.stolen, last.all - first.all) : null
  return {
    before: { loadAverage: before.loadAverage, pressure: before.recentPressure },
    during: {
      loadAverage: after.loadAverage,
      pressure: from === null || to === null ? null : share(to - from, micros),
      steal,
    },
  }
}

/** `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guests are in user, too. */
function ticksOf(stat: string | null): LoadSample['ticks'] {
  const fields = /^cpu +(.*)$/m
    .exec(stat ?? '')?.[1]
    ?.split(' ')
    .map(Number)
    .slice(0, 8)
  const stolen = fields?.[7]
  if (!fields || stolen === undefined) return null
  return { stolen, all: fields.reduce((sum, count) => sum + count, 0) }
}

/** Counters of the kernel may stand still, or go a tick too far. */
function share(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null
}
