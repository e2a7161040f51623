import { expect, test } from 'vitest'
import { rabbitmqConfig } from './rabbitmqConfig.ts'
import { withoutSecrets } from './withoutSecrets.ts'

const codes = (text: string) => Array.from(text, (one) => one.charCodeAt(0))

test('settings of the server are told by name, texts as texts, and nothing of other programs', () => {
  const printed = JSON.stringify({
    kernel: { net_ticktime: 60 },
    ra: { wal_max_size_bytes: 536_870_912 },
    rabbit: {
      ...{ consumer_timeout: 1_800_000, disk_free_limit: codes('1MB'), ssl_listeners: [] },
      ...{ credit_flow_default_credit: [400, 200], log: { categories: { ra: { level: 'info' } } } },
    },
  })
  expect(rabbitmqConfig(printed)).toEqual({
    'rabbit.consumer_timeout': '1800000',
    'rabbit.disk_free_limit': '1MB',
    'rabbit.ssl_listeners': '[]',
    'rabbit.credit_flow_default_credit': '[400,200]',
    'rabbit.log.categories.ra.level': 'info',
    'ra.wal_max_size_bytes': '536870912',
  })
})

test('no secret, port or folder of them is shown', () => {
  const printed = JSON.stringify({
    ra: { data_dir: codes('/tmp/hush/quorum') },
    rabbit: {
      ...{ default_pass: 'hush', config_entry_decoder: { passphrase: 'hush' } },
      tcp_listeners: [[codes('127.0.0.1'), 18_403]],
    },
  })
  expect(withoutSecrets(rabbitmqConfig(printed))).toEqual({
    'ra.data_dir': '(local)',
    'rabbit.config_entry_decoder.passphrase': '***',
    'rabbit.default_pass': '***',
    'rabbit.tcp_listeners': '(local)',
  })
})
