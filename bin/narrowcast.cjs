#!/usr/bin/env node
'use strict'
// The installed binary. Old syntax, see nodeVersion.cjs.

var nodeVersion = require('./nodeVersion.cjs')

function sayTooOld() {
  // Only a plain command word is repeated: other arguments may hold a password.
  var command = /^[a-z]+$/.test(process.argv[2] || '') ? process.argv[2] : 'demo'
  process.stderr.write(
    nodeVersion.tooOld(process.versions.node) +
      '\nGet it from https://nodejs.org, or: npx -y -p node@24 -p narrowcast narrowcast ' +
      command +
      '\n',
  )
  process.exitCode = 2
}

if (nodeVersion.isNewEnough(process.versions.node)) require('./start.cjs')
else sayTooOld()
