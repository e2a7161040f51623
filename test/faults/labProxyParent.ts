import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'

// A process that has a proxy, to be killed: tells its parent the proxy's pid and port.
const proxy = await ProxyProcess.start()
const port = await proxy.open('w00', { host: '127.0.0.1', port: Number(process.argv[2]) })
process.send?.({ pid: proxy.pid, port })
