import { answers } from '../answers.ts'
import { fieldOf, Refused } from '../request.ts'
import { type Route, userOf } from '../routes.ts'

/** `{USER_TOKEN, PARTICIPANTS}` → a seat in a game of that size, and its hero. */
export const find: Route = async (context, connection, payload) => {
  const { state, lobbies, report } = context
  const user = await userOf(context, payload)
  const size = fieldOf(payload, 'PARTICIPANTS')
  if (size !== 2 && size !== 3) throw new Refused('PARTICIPANTS IN PAYLOAD MUST BE 2 OR 3')
  const seat = await state.join(user, size)
  if (!seat) throw new Refused('TOO MANY GAMES')
  if (seat.isNew) lobbies.open(seat.game)
  if (!seat.isRepeated) report.joined(seat)
  connection.answer(answers.joined(seat.game, seat.superhero_id))
}
