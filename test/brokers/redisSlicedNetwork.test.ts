import type { ProxyRule } from '../../src/lab/proxy/rule.ts'
import { keepsPromises } from './promises.ts'
import { throughProxy } from './redisThroughProxy.ts'

const sliced: ProxyRule = { kind: 'slice', bytes: 500 }

throughProxy('sliced', sliced, (kind) => keepsPromises(kind, ['stream']))
