import type { ProxyRule } from '../../src/lab/proxy/rule.ts'
import { keepsPromises } from './promises.ts'
import { throughProxy } from './redisThroughProxy.ts'

const slow: ProxyRule = { kind: 'delay', ms: 1, jitterMs: 4, seed: 7 }

throughProxy('slow', slow, (kind) => keepsPromises(kind, ['queue']))
