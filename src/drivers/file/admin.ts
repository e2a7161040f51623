import type { Admin } from '../../core/driver.ts'
import { createChannel, differences, findChannel } from './channels.ts'
import type { Store } from './store.ts'

export function fileAdmin(store: Store): Admin {
  const { db, writer } = store
  return {
    ensure: (spec, signal) =>
      writer.run(
        'ensure',
        () => {
          const found = findChannel(db, spec.name)
          if (!found) {
            createChannel(db, spec)
            return { state: 'created' as const }
          }
          const what = differences(found, spec)
          return what.length > 0 ? { state: 'differs' as const, what } : { state: 'same' as const }
        },
        { signal },
      ),
  }
}
