import { answers } from '../answers.ts'
import { Refused, textOf } from '../request.ts'
import type { Route } from '../routes.ts'

/** `{USER}` → a token, the same for the same name. */
export const login: Route = async ({ state }, connection, payload) => {
  const user = await state.login(textOf(payload, 'USER'))
  if (!user) throw new Refused('TOO MANY USERS')
  if (user.isNew) connection.answer(answers.userCreated())
  connection.answer(answers.loggedIn(user.token))
}
