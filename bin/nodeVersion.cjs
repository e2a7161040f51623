'use strict'
// Old syntax on purpose: a Node that is too old must be able to read this file and say so.

var needed = [24, 15]

/** Older Nodes lack node:sqlite without a warning, or do not run TypeScript. */
function isNewEnough(version) {
  var parts = version.split('.')
  var major = Number(parts[0])
  return major > needed[0] || (major === needed[0] && Number(parts[1]) >= needed[1])
}

/** The sentence for whoever runs an older Node. */
function tooOld(version) {
  return 'narrowcast needs Node.js ' + needed.join('.') + ' or newer; this is ' + version + '.'
}

module.exports = { isNewEnough: isNewEnough, tooOld: tooOld }
