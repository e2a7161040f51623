'use strict'
// The guard in front of every npm script. It sees to a Node that is new enough and to the
// dependencies, then starts `src/cli/main.ts ARGS`, or with `--script NAME ARGS` one of the
// project's own scripts. Old syntax, see nodeVersion.cjs.

var path = require('path')
var child = require('./child.cjs')
var setup = require('./setup.cjs')

var args = process.argv.slice(2)
var program =
  args[0] === '--script'
    ? [path.join(setup.root, 'scripts', 'run.ts')].concat(args.slice(1))
    : [path.join(setup.root, 'src', 'cli', 'main.ts')].concat(args)

setup.withNode(function (node) {
  setup.withDependencies(node, function () {
    child.run(node, program, { env: child.environment(node), stdio: 'inherit' }, child.end)
  })
})
