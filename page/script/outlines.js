// Damage as outlines.

function outlines(item, page, only) {
  const { width, height } = item.image;
  const drawing = shape('svg', {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  const cells = page === shownPage(item) && item.masks;
  if (cells) {
    const where = `translate(${cells.x} ${cells.y}) scale(${cells.cell_width} ${cells.cell_height})`;
    cells.classes.forEach((name, plane) => {
      if (!cells.runs[plane] || (only !== null && only !== name)) return;
      const [area, edge] = traced(cells.runs[plane], cells.rows, cells.columns);
      drawing.append(
        shape(
          'g',
          { class: colour(item, name), transform: where },
          shape('path', { class: 'area', d: area }),
          shape('path', { class: 'edge', d: edge }),
        ),
      );
    });
  } else {
    for (const defect of item.defects)
      if (defect.page === shownPage(item) && (only === null || only === defect.class))
        drawing.append(boxOf(defect, colour(item, defect.class)));
  }
  return drawing;
}
/** The cells of run lengths, column by column, and the borders between damaged and sound ones, as paths in cells. */
function traced(runs, rows, columns) {
  const cells = new Uint8Array(rows * columns);
  const numbers = runs.split(' ').map(Number);
  for (let nth = 0; nth < numbers.length; nth += 2)
    cells.fill(1, numbers[nth] - 1, numbers[nth] - 1 + numbers[nth + 1]);
  const at = (row, column) =>
    row >= 0 && row < rows && column >= 0 && column < columns ? cells[column * rows + row] : 0;
  const stretches = (lines, length, found, write) => {
    let path = '';
    for (let line = 0; line < lines; line++) {
      for (let place = 0, start = -1; place <= length; place++) {
        const is = place < length && found(line, place);
        if (is && start < 0) start = place;
        if (!is && start >= 0) {
          path += write(line, start, place);
          start = -1;
        }
      }
    }
    return path;
  };
  return [
    stretches(
      columns,
      rows,
      (x, y) => at(y, x),
      (x, from, to) => `M${x} ${from}h1V${to}h-1Z`,
    ),
    stretches(
      columns + 1,
      rows,
      (x, y) => at(y, x) !== at(y, x - 1),
      (x, from, to) => `M${x} ${from}V${to}`,
    ) +
      stretches(
        rows + 1,
        columns,
        (y, x) => at(y, x) !== at(y - 1, x),
        (y, from, to) => `M${from} ${y}H${to}`,
      ),
  ];
}
/** The map as a small picture that the browser stretches: a cell's colour and opacity are its probability. */
