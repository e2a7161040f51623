import { answers } from '../answers.ts'
import { textOf } from '../request.ts'
import { orRefused, type Route, userOf } from '../routes.ts'

/** `{GAME_TOKEN, USER_TOKEN}` → the hero of that player, as it stands now. */
export const hero: Route = async (context, connection, payload) => {
  const game = textOf(payload, 'GAME_TOKEN')
  const user = await userOf(context, payload)
  connection.answer(answers.hero(game, orRefused(await context.state.fighter(game, user))))
}
