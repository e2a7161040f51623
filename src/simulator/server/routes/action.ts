import { answers } from '../answers.ts'
import { fieldOf, Refused, textOf } from '../request.ts'
import { orRefused, type Route, userOf } from '../routes.ts'

/** `{GAME_TOKEN, USER_TOKEN, ENEMY_TOKEN, ACTION: "ATTACK"}` → what the hit did. */
export const action: Route = async (context, connection, payload) => {
  const { state, lobbies, report, clock } = context
  const game = textOf(payload, 'GAME_TOKEN')
  const user = await userOf(context, payload)
  const isNobody = fieldOf(payload, 'ENEMY_TOKEN') === null
  const enemy = isNobody ? null : textOf(payload, 'ENEMY_TOKEN')
  if (fieldOf(payload, 'ACTION') !== 'ATTACK') throw new Refused('ACTION IN PAYLOAD MUST BE ATTACK')
  if (enemy !== null && lobbies.isPaused(game)) throw new Refused('NOT YOUR TURN')
  const nowMs = clock.wallMs()
  const { made } = orRefused(await state.hit(game, user, enemy, nowMs))
  if (!made) return connection.answer(answers.noEnemy(game, user, nowMs))
  connection.answer(answers.attacked(game, user, made, nowMs))
  report.hit(game, user, made)
  lobbies.moved(game, made.after)
}
