// Trains a network of the shape that dlib's Python wheel loads as face_recognition_model_v1, on chips of drawn people.
// The shape is a file format to us: it follows dlib, tools/python/src/face_recognition.cpp (anet_type).
//
//   trainer CHIPS OUT STEPS SEED
//
// CHIPS: two little-endian uint32 (people, pictures of each), then their pictures, 150 x 150 x 3 bytes (RGB) each.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <dlib/dnn.h>

using namespace dlib;

template <int N, template <typename> class NORM, int STRIDE, typename INPUT>
using two_convolutions = NORM<con<N, 3, 3, 1, 1, relu<NORM<con<N, 3, 3, STRIDE, STRIDE, INPUT>>>>>;
template <int N, template <typename> class NORM, typename INPUT>
using same = relu<add_prev1<two_convolutions<N, NORM, 1, tag1<INPUT>>>>;
template <int N, template <typename> class NORM, typename INPUT>
using half = relu<add_prev2<avg_pool<2, 2, 2, 2, skip1<tag2<two_convolutions<N, NORM, 2, tag1<INPUT>>>>>>>;

template <template <typename> class NORM, typename INPUT>
using stage4 = half<256, NORM, same<256, NORM, same<256, NORM, half<256, NORM, INPUT>>>>;
template <template <typename> class NORM, typename INPUT>
using stage3 = same<128, NORM, same<128, NORM, half<128, NORM, INPUT>>>;
template <template <typename> class NORM, typename INPUT>
using stage2 = same<64, NORM, same<64, NORM, same<64, NORM, half<64, NORM, INPUT>>>>;
template <template <typename> class NORM, typename INPUT>
using stage1 = same<32, NORM, same<32, NORM, same<32, NORM, INPUT>>>;
template <template <typename> class NORM>
using network = loss_metric<fc_no_bias<128, avg_pool_everything<stage4<NORM, stage3<NORM, stage2<NORM, stage1<NORM,
    max_pool<3, 3, 2, 2, relu<NORM<con<32, 7, 7, 2, 2, input_rgb_image_sized<150>>>>>>>>>>>>;

using picture = matrix<rgb_pixel>;
using people_type = std::vector<std::vector<picture>>;
const std::size_t PEOPLE = 8, EACH = 3;  // of one step
const double THRESHOLD = 0.6;            // of the reader: nearer is one person

people_type read_chips(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    std::uint32_t size[2];
    file.read(reinterpret_cast<char*>(size), sizeof size);
    people_type people(size[0], std::vector<picture>(size[1]));
    for (auto& pictures : people)
        for (auto& one : pictures) {
            one.set_size(150, 150);
            file.read(reinterpret_cast<char*>(&one(0, 0)), 150 * 150 * 3);
        }
    if (!file)
        throw std::runtime_error("the file of chips is cut short");
    return people;
}

// Metric learning for so many steps: pictures of one person nearer than the threshold, others' farther.
void learn(network<bn_con>& net, const people_type& people, int steps, const std::string& seed)
{
    dnn_trainer<network<bn_con>> trainer(net, sgd(0.0001, 0.9));
    dlib::rand random{seed};
    for (int step = 1; step <= steps; ++step) {
        trainer.set_learning_rate(0.1 * (1 - double(step) / (steps + 1)));
        std::vector<picture> pictures;
        std::vector<unsigned long> labels;
        while (labels.size() < PEOPLE * EACH) {
            const unsigned long who = random.get_random_64bit_number() % people.size();
            if (std::count(labels.begin(), labels.end(), who))
                continue;
            for (std::size_t i = 0; i < EACH; ++i) {
                pictures.push_back(people[who][random.get_random_64bit_number() % people[who].size()]);
                labels.push_back(who);
            }
        }
        trainer.train_one_step(pictures, labels);
        if (step % 10 == 0)
            std::cout << "step " << step << " of " << steps << ", loss " << trainer.get_average_loss() << std::endl;
    }
    trainer.get_net();
}

using features_type = std::vector<std::vector<matrix<double, 0, 1>>>;  // of each person, of each picture

// What the last layer but one says of every picture.
features_type features_of(network<affine>& net, const people_type& people)
{
    features_type found;
    for (const auto& pictures : people) {
        net(pictures);
        const matrix<float> rows = mat(layer<2>(net).get_output());
        found.emplace_back();
        for (long row = 0; row < rows.nr(); ++row)
            found.back().push_back(matrix_cast<double>(trans(rowm(rows, row))));
    }
    return found;
}

// Directions in which people differ most, in units of what differs between one person's pictures; the best one first.
// (Linear discriminant analysis.)
matrix<double> directions(const features_type& people)
{
    const long size = people[0][0].size();
    matrix<double> within = zeros_matrix<double>(size, size), between = within;
    matrix<double, 0, 1> middle = zeros_matrix<double>(size, 1);
    std::vector<matrix<double, 0, 1>> means;
    for (const auto& person : people) {
        means.push_back(mean(mat(person)));
        middle += means.back() / double(people.size());
        for (const auto& one : person)
            within += (one - means.back()) * trans(one - means.back()) / double(people.size() * (person.size() - 1));
    }
    for (const auto& one : means)
        between += (one - middle) * trans(one - middle) / double(people.size());
    within += 0.01 * trace(within) / size * identity_matrix<double>(size);
    const matrix<double> whiten = inv(chol(within));
    const matrix<double> mixed = whiten * between * trans(whiten);
    eigenvalue_decomposition<matrix<double>> solved(make_symmetric(mixed));
    matrix<double> vectors = solved.get_pseudo_v();
    matrix<double, 0, 1> values = solved.get_real_eigenvalues();
    rsort_columns(vectors, values);
    return trans(vectors) * whiten;
}

struct verdict { double error, threshold; };

// The distance at which as many of one person's pairs are farther as others' pairs are nearer, and how many these are.
verdict judge(const features_type& people, const matrix<double>& projection)
{
    std::vector<double> same_pairs, other_pairs;
    features_type points = people;
    for (auto& person : points)
        for (auto& one : person)
            one = projection * one;
    for (std::size_t a = 0; a < points.size(); ++a)
        for (std::size_t b = a; b < points.size(); ++b)
            for (std::size_t i = 0; i < points[a].size(); ++i)
                for (std::size_t j = a == b ? i + 1 : 0; j < points[b].size(); ++j)
                    (a == b ? same_pairs : other_pairs).push_back(length(points[a][i] - points[b][j]));
    std::sort(same_pairs.begin(), same_pairs.end());
    std::sort(other_pairs.begin(), other_pairs.end());
    for (std::size_t i = 0; i < same_pairs.size(); ++i) {
        const auto nearer = std::lower_bound(other_pairs.begin(), other_pairs.end(), same_pairs[i]) - other_pairs.begin();
        const double refused = 1 - double(i + 1) / same_pairs.size(), let_in = double(nearer) / other_pairs.size();
        if (let_in >= refused)
            return {std::max(refused, let_in), i + 1 < same_pairs.size() ? same_pairs[i]
                                               : (same_pairs[i] + other_pairs[nearer]) / 2};
    }
    throw std::runtime_error("nobody can be told from anybody");
}

// Put the best directions into the last layer, scaled so that the threshold lies where it separates people not learned from.
void finish(network<affine>& net, const features_type& learned, const features_type& held_out)
{
    const matrix<double> all = directions(learned);
    verdict best{2, 1};
    matrix<double> projection;
    for (long count : {8, 12, 16, 24, 32, 48, 64, 96, 128}) {
        const matrix<double> few = rowm(all, range(0, count - 1));
        const verdict now = judge(held_out, few);
        std::cout << count << " directions: " << 100 * now.error << " % wrong" << std::endl;
        if (now.error < best.error) {
            best = now;
            projection = zeros_matrix<double>(128, all.nc());
            set_rowm(projection, range(0, count - 1)) = few * (THRESHOLD / now.threshold);
        }
    }
    layer<1>(net).layer_details().get_layer_params() = matrix_cast<float>(trans(projection));
}

int main(int count, char** given) try
{
    if (count != 5)
        throw std::runtime_error("usage: trainer CHIPS OUT STEPS SEED");
    const auto all = read_chips(given[1]);
    const auto border = all.begin() + all.size() * 3 / 4;
    const people_type learned(all.begin(), border), held_out(border, all.end());
    network<bn_con> net;
    learn(net, learned, std::stoi(given[3]), given[4]);
    net.clean();
    network<affine> fixed = net;  // running means and deviations become constants
    finish(fixed, features_of(fixed, learned), features_of(fixed, held_out));
    fixed.clean();
    serialize(given[2]) << fixed;
    return 0;
} catch (const std::exception& error) {
    std::cerr << "trainer: " << error.what() << std::endl;
    return 1;
}
