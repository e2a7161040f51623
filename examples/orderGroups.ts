// A stream with two groups: every order goes to one worker of each. Two workers send the mails,
// two others ship.
//   node --import ./examples/checkout.ts examples/orderGroups.ts
//   NARROWCAST_URL=redis://localhost:6379 node --import ./examples/checkout.ts examples/orderGroups.ts
import { connect } from 'narrowcast'

interface Order {
  readonly number: number
  readonly customer: string
}

await using bus = await connect(process.env.NARROWCAST_URL ?? 'file:./.narrowcast/store')
const orders = bus.stream<Order>('orders')

const customers = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances']
const published = new Set<string>()
for (const [at, customer] of customers.entries()) {
  const { id } = await orders.publish({ number: at + 1, customer })
  published.add(id)
}
console.log(`published ${published.size} orders`)

const tasks = { email_group: 'mails', fulfillment_group: 'ships to' }
const groups = Object.entries(tasks).map(async ([group, task]) => {
  const left = new Set(published) // orders of earlier runs, where there are any, come first
  const isDone = Promise.withResolvers<void>()
  for (const name of ['one', 'two']) {
    const worker = orders.subscribe(
      ({ number, customer }) => {
        console.log(`${group}, worker ${name}: ${task} ${customer}, order ${number}`)
      },
      { group, name },
    )
    worker.on('settled', ({ id, kind }) => {
      if (kind === 'ack') left.delete(id)
      if (left.size === 0) isDone.resolve()
    })
  }
  await isDone.promise
  console.log(`${group}: all ${published.size} orders done`)
})
await Promise.all(groups)
