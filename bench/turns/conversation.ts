/** The call that is measured: answered, four questions with one key each, and the end. Five turns with an action, one without. */
export const prompts = [
  "Welcome. Press 1 for English, 2 for Spanish.",
  "Press 1 for sales, 2 for support.",
  "Press 1 if you are a customer already.",
  "Press 1 to hear the opening hours, 2 to be called back."
] as const
