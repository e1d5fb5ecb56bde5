namespace Bulkhead.Machine.Simulation;

/// <summary>The measures and colours of a <see cref="GanttChart"/>.</summary>
internal static class GanttStyle
{
    internal const double Margin = 16;
    internal const double ChartWidth = 1000;
    internal const double LaneHeight = 32;

    /// <summary>Where a bar begins in its lane; above it stand the marks of wake-ups.</summary>
    internal const double BarTop = 9;

    internal const double GroupHeight = 28;
    internal const double LetterWidth = 6.8;

    // The panel brings its own background, so that it can stand on a page of any colour; where the reader's page is dark and
    // the viewer says so, the panel is dark as well.
    internal const string Sheet = """

            text { font: 12px sans-serif; fill: #1f2328; }
            .title { font-size: 16px; font-weight: bold; }
            .small { font-size: 11px; fill: #59636e; }
            .panel { fill: #ffffff; stroke: #d1d9e0; }
            .lane { fill: #f3f5f7; }
            .grid { stroke: #d1d9e0; }
            .run { fill: #2f6fb0; }
            .warped { fill: #d97706; }
            .wait { fill: #a9cdf0; }
            .wake { stroke: #b91c1c; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; }
              .small { fill: #9aa4ae; }
              .panel { fill: #14181d; stroke: #3d444d; }
              .lane { fill: #1e242b; }
              .grid { stroke: #3d444d; }
              .run { fill: #5ba0e6; }
              .warped { fill: #f0a040; }
              .wait { fill: #2d4f73; }
              .wake { stroke: #ff7b72; }
            }

        """;
}
