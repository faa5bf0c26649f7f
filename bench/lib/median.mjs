/** The value of rank count / 2, from 0 in ascending order. */
export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
