'use strict'
// Starts programs for the set-up guard and hands signals on to them. Old syntax, see nodeVersion.cjs.

var os = require('os')
var path = require('path')
var spawn = require('child_process').spawn

var running = null
var stopCode = 0
var cleanUp = function () {}

function exitCode(signal) {
  return 128 + os.constants.signals[signal]
}

function end(code) {
  cleanUp()
  process.exit(code)
}

/** What must be undone on every way out. */
function onEnd(work) {
  cleanUp = work
}

function say(text) {
  process.stderr.write(text + '\n')
}

/** Says what failed and what to do. After a signal there is nothing to explain. */
function giveUp(lines) {
  if (stopCode) end(stopCode)
  lines.forEach(say)
  end(2)
}

/** Runs a program to its end. `done` gets its exit code, 128 + n for signal n. */
function run(command, args, options, done) {
  var isOver = false
  function over(code) {
    if (isOver) return
    isOver = true
    running = null
    done(code)
  }
  running = spawn(command, args, options)
  running.on('error', function (error) {
    say('narrowcast: cannot start ' + command + ': ' + error.message)
    over(127)
  })
  running.on('exit', function (code, signal) {
    over(signal ? exitCode(signal) : code)
  })
}

var signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
// Each one is passed on, as it may have come to this process alone. Where it came to the whole
// group, as Ctrl-C does, the program gets it twice at a time: src/cli/echoes.ts counts that once.
signals.forEach(function (signal) {
  process.on(signal, function () {
    stopCode = exitCode(signal)
    if (running) running.kill(signal)
    else end(stopCode)
  })
})

/** The environment of everything that is started: the folder of `node` comes first on its PATH. */
function environment(node) {
  var env = {}
  var pathName = 'PATH'
  Object.keys(process.env).forEach(function (name) {
    env[name] = process.env[name]
    if (name.toUpperCase() === 'PATH') pathName = name
  })
  env[pathName] = path.dirname(node) + path.delimiter + (env[pathName] || '')
  env.npm_node_execpath = node
  return env
}

/** Runs npm by `node`, with all its output on stderr: stdout belongs to the program. */
function npm(node, args, folder, done) {
  var cli = process.env.npm_execpath || ''
  var isNpm = /^npm-cli\.c?js$/.test(path.basename(cli))
  // Without a network npm's own pauses between two tries add up to over a minute.
  var pauses = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  var words = args.concat(pauses, ['--no-audit', '--no-fund', '--loglevel=warn'])
  var options = { cwd: folder, env: environment(node), stdio: ['ignore', 2, 2] }
  if (!isNpm) options.shell = process.platform === 'win32'
  run(isNpm ? node : 'npm', isNpm ? [cli].concat(words) : words, options, done)
}

module.exports = {
  end: end,
  environment: environment,
  giveUp: giveUp,
  npm: npm,
  onEnd: onEnd,
  run: run,
  say: say,
}
