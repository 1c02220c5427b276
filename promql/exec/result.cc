// The end of a query: rows become what the user gets.
#include <utility>

#include "promql/exec/build.h"

namespace deucalion::promql {

Matrix RowsToMatrix(const TimeGrid& grid, std::vector<Row> rows) {
  Matrix matrix;
  matrix.reserve(rows.size());
  for (Row& row : rows) {
    if (!row.Any()) continue;
    MatrixSeries& series = matrix.emplace_back();
    series.labels = std::move(row.labels);
    const size_t n = row.floats.Count();
    series.times.reserve(n);
    series.values.reserve(n);
    row.floats.ForEach([&](size_t step) {
      series.times.push_back(grid.TimeAt(step));
      series.values.push_back(row.values[step]);
    });
    for (size_t step = 0; step < row.histograms.size(); step++) {
      if (row.histograms[step] == nullptr) continue;
      series.histograms.push_back({grid.TimeAt(step), std::move(row.histograms[step])});
    }
    row = Row();  // hand the memory back while the rest is converted
  }
  return matrix;
}

Status RemoveDelayedNames(std::vector<Row>* rows) {
  for (Row& row : *rows) {
    if (row.drop_name && HasMetadataLabels(row.labels)) DropMetadataLabels(row.labels, &row.labels);
  }
  return MergeRowsWithSameLabels(rows);
}

}  // namespace deucalion::promql
