'use strict'
// Brings what a clone needs: a Node that is new enough, and the dependencies. Each is installed
// at most once. Old syntax, see nodeVersion.cjs.

var fs = require('fs')
var path = require('path')
var child = require('./child.cjs')
var nodeVersion = require('./nodeVersion.cjs')

var root = path.join(__dirname, '..')
var workDir = path.join(root, '.narrowcast')
var nodeDir = path.join(workDir, 'node')
var lockFile = path.join(workDir, 'setup.lock')

function remove(target) {
  if (fs.lstatSync(target).isDirectory()) {
    fs.readdirSync(target).forEach(function (name) {
      remove(path.join(target, name))
    })
    fs.rmdirSync(target)
  } else fs.unlinkSync(target)
}

function modifiedMs(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtime.getTime() : 0
}

function makeFolder(folder) {
  try {
    fs.mkdirSync(folder)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/**
 * Two first runs at once must not install into each other's folders: the second one waits.
 * `work` gets the function that unlocks.
 */
function withLock(work, isWaiting) {
  try {
    makeFolder(workDir)
    fs.writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
  } catch (error) {
    if (error.code !== 'EEXIST') {
      return child.giveUp([
        'narrowcast: this folder must be writable for the set-up: ' + error.message,
      ])
    }
    return waitForLock(work, isWaiting)
  }
  child.onEnd(unlock)
  function unlock() {
    child.onEnd(function () {})
    fs.unlinkSync(lockFile)
  }
  work(unlock)
}

/** Runs `work`; a file that is gone meanwhile is no trouble, another process was faster. */
function unlessGone(work) {
  try {
    work()
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function waitForLock(work, isWaiting) {
  unlessGone(function () {
    var owner = Number(fs.readFileSync(lockFile, 'utf8'))
    // A lock without a name is being written, or its owner was killed while it wrote.
    var isDead = owner ? !isAlive(owner) : Date.now() - modifiedMs(lockFile) > 10000
    if (isDead) fs.unlinkSync(lockFile)
    else if (!isWaiting) child.say('narrowcast: another first run is installing; waiting for it')
  })
  setTimeout(withLock, 200, work, true)
}

function nodeIn(folder) {
  var program = process.platform === 'win32' ? 'node.exe' : 'node'
  return path.join(folder, 'node_modules', 'node', 'bin', program)
}

/**
 * Installs a Node into .narrowcast/node. It comes whole or not at all: it is made in a folder of
 * another name, tried, and renamed.
 */
function installNode(done) {
  var self = process.execPath
  var folder = path.join(workDir, 'node-' + process.pid)
  child.say(nodeVersion.tooOld(process.versions.node))
  child.say('Installing one for this folder only, once: npm package node@24, about 190 MB …')
  makeFolder(folder)
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    '{ "private": true, "allowScripts": { "node": true } }\n',
  )
  child.npm(self, ['install', '--prefix', folder, '--no-package-lock', 'node@24'], folder, fetched)

  function fetched(code) {
    if (code !== 0) return failed('npm install node@24 ended with exit code ' + code)
    if (fs.existsSync(nodeIn(folder))) return check()
    // Install scripts are blocked, and the package's own is what brings the program.
    var inside = path.join(folder, 'node_modules', 'node')
    var options = { cwd: inside, env: child.environment(self), stdio: ['ignore', 2, 2] }
    child.run(self, ['installArchSpecificPackage.js'], options, check)
  }
  function check() {
    child.run(nodeIn(folder), ['--version'], { stdio: 'ignore' }, function (code) {
      if (code !== 0) return failed('the installed program does not run')
      if (fs.existsSync(nodeDir)) remove(nodeDir)
      fs.renameSync(folder, nodeDir)
      done()
    })
  }
  function failed(why) {
    remove(folder)
    child.giveUp([
      nodeVersion.tooOld(process.versions.node),
      'Installing one here failed: ' + why + '.',
      'Get it from https://nodejs.org, or try again where the npm registry can be reached.',
    ])
  }
}

/** `done` gets the path of a Node that is new enough. */
function withNode(done) {
  if (nodeVersion.isNewEnough(process.versions.node)) return done(process.execPath)
  if (fs.existsSync(nodeIn(nodeDir))) return done(nodeIn(nodeDir))
  withLock(function (unlock) {
    if (fs.existsSync(nodeIn(nodeDir))) return installed()
    installNode(installed)
    function installed() {
      unlock()
      done(nodeIn(nodeDir))
    }
  })
}

/** npm writes the hidden lock file last: an interrupted installation has none. */
function isInstalled() {
  var installedMs = modifiedMs(path.join(root, 'node_modules', '.package-lock.json'))
  return installedMs > 0 && installedMs >= modifiedMs(path.join(root, 'package-lock.json'))
}

/** Installs the dependencies by `node` when they are missing or older than the lock file. */
function withDependencies(node, done) {
  if (isInstalled()) return done()
  withLock(function (unlock) {
    if (isInstalled()) return installed(0)
    child.say('Installing the dependencies (npm ci) …')
    child.npm(node, ['ci', '--include=dev'], root, installed)
    function installed(code) {
      unlock()
      if (code === 0) return done()
      child.giveUp([
        'narrowcast: npm ci ended with exit code ' + code + '; the dependencies are missing.',
        'It needs the npm registry once. Try again where it can be reached.',
      ])
    }
  })
}

module.exports = { root: root, withDependencies: withDependencies, withNode: withNode }
