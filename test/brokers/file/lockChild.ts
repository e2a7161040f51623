import { DatabaseSync } from 'node:sqlite'

/** Takes the write lock of a database and keeps it. */
const db = new DatabaseSync(process.argv[2] ?? '')
db.exec('BEGIN IMMEDIATE')
process.send?.('locked')
setInterval(() => db.isTransaction, 60_000)
