// A player written from the table of API v1 alone, with nothing but what Node has built in.
// Usage: node bot.mjs ws://HOST:PORT NAME PARTICIPANTS   Prints one line of JSON at the end.
const [url, name, participants] = process.argv.slice(2)

/** Opens a route; `receive()` gives its frames one after the other. */
async function dial(route) {
  const socket = new WebSocket(url + route)
  const frames = []
  let wake = () => {}
  socket.addEventListener('message', (event) => {
    frames.push(JSON.parse(event.data))
    wake()
  })
  socket.addEventListener('close', (event) => {
    frames.push({ closed: event.code })
    wake()
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`cannot open ${route}`)))
  })
  const send = (payload) => socket.send(JSON.stringify({ PAYLOAD: payload }))
  async function receive() {
    while (frames.length === 0) await new Promise((resolve) => (wake = resolve))
    return frames.shift()
  }
  return { send, receive, close: () => socket.close() }
}

/** A connection for one question. */
async function ask(route, payload) {
  const line = await dial(route)
  line.send(payload)
  const answer = await line.receive()
  line.close()
  return answer
}

async function login() {
  const line = await dial('/api/v1/login')
  line.send({ USER: name })
  let answer = await line.receive()
  if (answer.STATUS === 'USER CREATED') answer = await line.receive()
  line.close()
  return answer.PAYLOAD.USER_TOKEN
}

const me = await login()
const found = await ask('/api/v1/game/find', {
  USER_TOKEN: me,
  PARTICIPANTS: Number(participants),
})
if (found.STATUS.JOINED !== 'SUCCESS') throw new Error(JSON.stringify(found))
const game = found.PAYLOAD.GAME_TOKEN

async function healthOf(user) {
  const answer = await ask('/api/v1/game/hero', { GAME_TOKEN: game, USER_TOKEN: user })
  if (answer.STATUS.GAME !== 'HERO SPEC') throw new Error(JSON.stringify(answer))
  return answer.PAYLOAD.HERO.health
}

const lobby = await dial('/api/v1/game/lobby')
lobby.send({ GAME_TOKEN: game, USER_TOKEN: me })
let players = []
let hits = 0
let status = ''
while (status !== 'COMPLETE' && status !== 'TIMED OUT') {
  const frame = await lobby.receive()
  if (frame.closed) throw new Error(`the lobby was closed with ${frame.closed}`)
  status = frame.STATUS.GAME
  if (status === 'START') {
    players = frame.PAYLOAD.PARTICIPANTS
    const heroes = frame.PAYLOAD.PARTICIPANTS_HEROS
    if (heroes[me].id !== found.PAYLOAD.HERO_ID) throw new Error('START shows another hero')
  } else if (status === "USER'S TURN") {
    let enemy = null
    for (const player of players) {
      if (player !== me && (await healthOf(player)) > 0) enemy = player
    }
    const answer = await ask('/api/v1/game/action', {
      GAME_TOKEN: game,
      USER_TOKEN: me,
      ENEMY_TOKEN: enemy,
      ACTION: 'ATTACK',
    })
    const { ACTION, DETAILS } = answer.STATUS
    if (ACTION !== 'ATTACK') throw new Error(JSON.stringify(answer))
    if (DETAILS.ENEMY_HEALTH_PRIOR - DETAILS.ENEMY_DAMAGE !== DETAILS.ENEMY_HEALTH_POST) {
      throw new Error(`the damage does not add up: ${JSON.stringify(DETAILS)}`)
    }
    hits++
  }
}
const isWinner = status === 'COMPLETE' && (await healthOf(me)) > 0
lobby.close()
process.stdout.write(`${JSON.stringify({ me, game, status, hits, isWinner })}\n`)
