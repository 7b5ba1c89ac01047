#pragma once

// Which windows belong together when uncertainty is estimated.

#include "bitgauge/text.h"

namespace bitgauge {

// Takes Window::cluster as the number of the window's document and makes it a dense number of
// clusters, 0 ... n_clusters - 1 in order of first appearance; sets n_clusters and cluster_unit.
//
// From 10 documents on, clusters are documents. Below that an interval over documents would say
// little, so each document is cut into blocks of consecutive windows, of equal length up to one
// window. With W windows a block has W^(1/3) of them, the order that is best for the variance of a
// mean (Hall, Horowitz & Jing 1995), but never so many that fewer than 10 blocks come out of 10
// windows or more. Windows of one document must be consecutive.
void number_clusters(Windows& windows);

}  // namespace bitgauge
