import type { Fighter } from '../rules.ts'
import type { Round } from '../state/state.ts'

const text = (payload: object, status?: unknown): string =>
  JSON.stringify({ PAYLOAD: payload, STATUS: status })

/** The answers of API v1, as text frames. */
export const answers = {
  refused: (status: string) => text({}, status),
  userCreated: () => text({}, 'USER CREATED'),
  loggedIn: (userToken: string) => text({ USER_TOKEN: userToken }),
  joined: (game: string, heroId: number) =>
    text({ GAME_TOKEN: game, HERO_ID: heroId }, { JOINED: 'SUCCESS' }),
  start: (game: string, { participants, fighters }: Round) =>
    text(
      {
        GAME_TOKEN: game,
        PARTICIPANTS: participants,
        PARTICIPANTS_HEROS: Object.fromEntries(fighters.map((one) => [one.token, heroOf(one)])),
      },
      { GAME: 'START' },
    ),
  turn: (game: string) => text({ GAME_TOKEN: game }, { GAME: "USER'S TURN" }),
  complete: (game: string) => text({ GAME_TOKEN: game }, { GAME: 'COMPLETE' }),
  timedOut: (game: string) => text({ GAME_TOKEN: game }, { GAME: 'TIMED OUT' }),
  hero: (game: string, fighter: Fighter) =>
    text(
      { GAME_TOKEN: game, USER_TOKEN: fighter.token, HERO: heroOf(fighter) },
      { GAME: 'HERO SPEC' },
    ),
  attacked: (game: string, userToken: string, hit: AttackDetails, nowMs: number) =>
    action(game, userToken, nowMs, 'ATTACK', {
      ENEMY_TOKEN: hit.enemy,
      ENEMY_DAMAGE: hit.damage,
      ENEMY_HEALTH_PRIOR: hit.healthPrior,
      ENEMY_HEALTH_POST: hit.healthPost,
    }),
  noEnemy: (game: string, userToken: string, nowMs: number) =>
    action(game, userToken, nowMs, 'NA', { ENEMY_TOKEN: null, ENEMY_STATUS: 'DEAD' }),
}

export interface AttackDetails {
  readonly enemy: string
  readonly damage: number
  readonly healthPrior: number
  readonly healthPost: number
}

const heroOf = ({ token, id, attack, health }: Fighter) => ({ token, id, attack, health })

function action(
  game: string,
  userToken: string,
  nowMs: number,
  name: 'ATTACK' | 'NA',
  details: object,
): string {
  return JSON.stringify({
    TIMESTAMP: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
    PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: userToken },
    STATUS: { ACTION: name, DETAILS: details },
  })
}
