import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Both as PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/**
 * A certificate for 127.0.0.1 and `localhost` that is valid for a day and signed by itself: who
 * trusts it as an authority trusts nobody else. Node reads certificates and makes none, so it is
 * put together here (X.509 v3, P-256).
 */
export function selfSigned(commonName: string): Certificate {
  return made(commonName, null)
}

/** The same, signed by the key of another, which was made with that name. */
export function signedBy(
  issuer: { readonly commonName: string; readonly key: string },
  commonName: string,
): Certificate {
  return made(commonName, issuer)
}

function made(
  commonName: string,
  issuer: { readonly commonName: string; readonly key: string } | null,
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  const content = sequence(
    value(0xa0, value(0x02, Buffer.from([2]))), // version 3
    value(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])), // a positive serial number
    algorithm,
    nameOf(issuer?.commonName ?? commonName), // issuer
    sequence(time(now - 3_600_000), time(now + 86_400_000)),
    nameOf(commonName), // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    value(0xa3, sequence(subjectAltName)),
  )
  const signature = bits(sign('sha256', content, issuer?.key ?? privateKey))
  return {
    certificate: pem('CERTIFICATE', sequence(content, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const nameOf = (commonName: string) =>
  sequence(set(sequence(oid('2.5.4.3'), value(0x0c, Buffer.from(commonName)))))

/** Tag, length, content: all that DER consists of. */
function value(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}

const sequence = (...content: readonly Uint8Array[]) => value(0x30, ...content)
const set = (...content: readonly Uint8Array[]) => value(0x31, ...content)
const bits = (content: Uint8Array) => value(0x03, Buffer.from([0]), content)

/** The first two numbers share a byte; larger ones take seven bits a byte. */
function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = rest.flatMap((number) => {
    const sevens = [number & 0x7f]
    for (let more = number >> 7; more > 0; more >>= 7) sevens.unshift((more & 0x7f) | 0x80)
    return sevens
  })
  return value(0x06, Buffer.from([first * 40 + second, ...bytes]))
}

/** `20261121120000Z` */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().slice(0, 19).replace(/\D/g, '')
  return value(0x18, Buffer.from(`${digits}Z`))
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** ecdsa-with-SHA256 */
const algorithm = sequence(oid('1.2.840.10045.4.3.2'))

const subjectAltName = sequence(
  oid('2.5.29.17'),
  value(
    0x04,
    sequence(value(0x82, Buffer.from('localhost')), value(0x87, Buffer.from([127, 0, 0, 1]))),
  ),
)
