import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { selfSigned, signedBy } from './certificate.ts'

const own = selfSigned('broker')

test('it names this machine, is signed by itself and valid now, for a day', () => {
  const read = new X509Certificate(own.certificate)
  expect(read.verify(read.publicKey)).toBe(true)
  expect([read.subject, read.issuer]).toEqual(['CN=broker', 'CN=broker'])
  expect([read.checkIP('127.0.0.1'), read.checkHost('localhost')]).toEqual([
    '127.0.0.1',
    'localhost',
  ])
  expect([read.checkIP('127.0.0.2'), read.checkHost('elsewhere')]).toEqual([undefined, undefined])
  expect(read.validFromDate.getTime()).toBeLessThan(Date.now())
  const hours = (read.validToDate.getTime() - Date.now()) / 3_600_000
  expect(hours > 23 && hours <= 24).toBe(true)
})

test('no two have the same serial number', () => {
  const [one, other] = [own, selfSigned('broker')].map(
    ({ certificate }) => new X509Certificate(certificate).serialNumber,
  )
  expect(one).not.toBe(other)
})

test('a client trusts who it was told to trust, and nobody else', async () => {
  const server = createServer({ key: own.key, cert: own.certificate }, (socket) => socket.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const trusting = connect({ host: '127.0.0.1', port, ca: own.certificate })
    await once(trusting, 'secureConnect')
    expect(trusting.authorized).toBe(true)
    trusting.destroy()
    const other = connect({ host: '127.0.0.1', port, ca: selfSigned('broker').certificate })
    await expect(once(other, 'secureConnect')).rejects.toThrow(/self.signed|signature/i)
  } finally {
    server.close()
  }
})

test('one that another has signed is that one own, and of nobody else', () => {
  const authority = selfSigned('authority')
  const read = new X509Certificate(
    signedBy({ commonName: 'authority', ...authority }, 'client').certificate,
  )
  expect([read.subject, read.issuer]).toEqual(['CN=client', 'CN=authority'])
  expect(read.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
  expect(read.verify(read.publicKey)).toBe(false)
})
