export { memory } from '../drivers/memory/index.ts'
export {
  type Case,
  type Check,
  type LiveCase,
  type LiveRow,
  runCase,
  type World,
} from './conformance/case.ts'
export { conformance, liveConformance } from './conformance/index.ts'
export { runtimeConformance, runtimeLiveConformance } from './conformance/runtime.ts'
export { createRuntimeWorld, type RuntimeWorld } from './conformance/runtimeWorld.ts'
export { createWorld, type WorldOptions } from './conformance/world.ts'
export { type TestWorld, testWorld } from './testWorld.ts'
export { type VirtualClock, virtualClock } from './virtualClock.ts'
